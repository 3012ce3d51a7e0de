"""What went wrong without anybody asking for it: silent nodes, and changes outside the bot."""
