"""What many runs add up to: a projection of their folders that can be deleted and made again, comparisons, bundles."""
