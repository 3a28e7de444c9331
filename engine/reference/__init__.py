"""Lists that tell facts about calls: what they are, how their files are laid out, which version stands."""
