"""Cells under AddressSanitizer and UBSan: how their workers are set up, and what is made of what they report."""
