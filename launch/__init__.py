"""Everything that one machine needs: servers, migrations, the first account, web and consumer."""
