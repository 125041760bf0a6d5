"""Methods of many kinds on the contract, as an outsider would write them."""
