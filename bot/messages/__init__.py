"""What is put on a screen: cards, ends and their delivery."""
