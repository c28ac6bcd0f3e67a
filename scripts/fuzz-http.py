"""How schemathesis sends the bodies of imports: as the text that it has generated."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "text/csv", "text/tab-separated-values")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
