"""Lists of people as learning platforms and exam offices write them, and read them back."""
