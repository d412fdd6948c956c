"""What consumption does about what it hears."""
