"""The analyses: frames in, frames out; no files, no pages."""
