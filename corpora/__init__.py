"""Text in, verified shards out; and the commit point that every artefact of the project passes through."""
