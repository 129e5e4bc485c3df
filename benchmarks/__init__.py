"""Measurements that anyone can repeat; each command says what it compares and when it fails."""
