"""What is left beside the weights after training, each made of plain values: names, numbers, rows."""
