"""What a line says: its words, arguments and forms, without knowing machines or people."""
