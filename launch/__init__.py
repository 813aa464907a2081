"""What makes one machine enough: servers, migrations, the first account, web and consumer."""
