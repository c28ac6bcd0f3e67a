/// Header lines and body as they come in.
struct ArrivingResponse {
    private(set) var headers: [(name: String, value: String)] = []
    private(set) var headerBytes = 0
    /// The last SMTP reply that refused something; a reply after it answers QUIT.
    private(set) var lastRefusal = ""
    var body: [UInt8] = []

    mutating func receive(line: String) {
        headerBytes += line.utf8.count
        let line = Self.trimmed(line[...])
        guard !line.isEmpty else { return }
        if line.hasPrefix("4") || line.hasPrefix("5") {
            lastRefusal = String(line)
        }
        if line.hasPrefix("HTTP/") {
            // The lines so far belonged to an interim response, such as 103 Early Hints.
            headers = []
        } else if let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) {
            let value = Self.trimmed(line[line.utf8.index(after: colon)...])
            headers.append((name: String(line[..<colon]), value: String(value)))
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        // By bytes: Swift takes CR LF for one character.
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }
        let bytes = text.utf8
        guard let start = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) }) else { return "" }
        return text[start...last]
    }
}
