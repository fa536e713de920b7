-- Receipts of a live warehouse whose quantity is zero; an extract may receive by value.
NOT order_required AND quantity = 0
