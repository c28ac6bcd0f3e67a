import CPostgreSQL

extension PostgresError {
    /// libpq's report of what went wrong on the connection.
    init(_ code: Code, of connection: OpaquePointer?, doing what: String) {
        let reason = PQerrorMessage(connection).map { String(cString: $0) } ?? ""
        self.init(code, what + ": " + Self.oneLine(reason))
    }

    /// The server's error, field by field.
    init(result: OpaquePointer) {
        func field(_ name: Character) -> String? {
            guard let code = name.asciiValue, let text = PQresultErrorField(result, Int32(code)) else { return nil }
            return String(cString: text)
        }
        if let sqlState = field("C") {
            self.init(.server(sqlState: sqlState), field("M") ?? "the server gave no message")
        } else {
            // libpq makes such a result by itself when the connection breaks.
            let reason = PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
            self.init(.connection, Self.oneLine(reason))
        }
        detail = field("D")
        hint = field("H")
        schema = field("s")
        table = field("t")
        column = field("c")
        constraint = field("n")
        endsSession = field("V") == "FATAL" || field("V") == "PANIC"
        isStalePlan = field("R") == "RevalidateCachedQuery" || sqlState == "26000"
    }

    private static func oneLine(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline)
        return lines.isEmpty ? "no reason given" : lines.joined(separator: "; ")
    }
}
