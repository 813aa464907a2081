"""The console: pages, access, actions, forms, accounts."""
