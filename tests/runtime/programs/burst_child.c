// Ends at once. A name of its own, so that a test counts only what it started.
int main(void) { return 0; }
