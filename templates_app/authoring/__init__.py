"""What authors do: templates, drafts and their parts, previews, and the gate to publication. One file a subject."""
