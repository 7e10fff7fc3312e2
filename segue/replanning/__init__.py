"""The service that plans listeners anew once they have played."""
