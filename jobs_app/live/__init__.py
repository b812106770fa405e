"""The live dashboard: figures of the last hour, the stream of events, and the page that shows them."""
