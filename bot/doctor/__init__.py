"""What the doctor looks at, for `python -m bot doctor` and for `/dbc doctor`."""
