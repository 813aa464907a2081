"""The tasks that come with Mahaam, written as those of any application."""
