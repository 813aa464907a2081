"""Tests of alerts and notifications: real rules on real tables, a real mail server, a real receiver."""
