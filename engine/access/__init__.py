"""A caller goes in, a principal (who asks, which accounts, which audience) comes out."""
