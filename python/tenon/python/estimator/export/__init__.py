"""What a served model is fed and gives."""
