"""From named columns to arrays that can be estimated on."""
