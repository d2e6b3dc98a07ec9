"""Who is on the line: known by a number, sure by a proof, brought along from other systems."""
