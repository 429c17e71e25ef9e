"""The steps from columns to an estimate: preprocessing, fitting, inference."""
