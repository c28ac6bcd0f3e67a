/// The parts of an `amqp://` or `amqps://` URL.
struct AMQPURL {
    var host = ""
    var port = 5672
    var user = "guest"
    var password = "guest"
    var virtualHost = "/"
    var tls: AMQPConfiguration.TLS?

    init(_ url: String) throws(AMQPError) {
        guard !url.contains("#") else { throw Self.wrong("it has a fragment; # is written %23") }
        var rest = url[...]
        if rest.hasPrefix("amqp://") {
            rest.removeFirst("amqp://".count)
        } else if rest.hasPrefix("amqps://") {
            rest.removeFirst("amqps://".count)
            port = 5671
            tls = AMQPConfiguration.TLS(caFile: AMQPConfiguration.TLS.systemCAFile, verify: true)
        } else {
            throw Self.wrong("it must begin with amqp:// or amqps://")
        }
        if let mark = rest.firstIndex(of: "?") {
            try readQuery(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            let path = rest[rest.index(after: slash)...]
            guard !path.contains("/") else { throw Self.wrong("a slash within the virtual host is written %2F") }
            if !path.isEmpty { virtualHost = try Self.decode(path, "virtual host") }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            try readCredentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        try readAuthority(rest)
    }

    private mutating func readCredentials(_ text: Substring) throws(AMQPError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if let name = parts.first { user = try Self.decode(name, "user") }
        guard !user.isEmpty else { throw Self.wrong("it has a password without a user") }
        if parts.count == 2 { password = try Self.decode(parts[1], "password") }
    }

    private mutating func readAuthority(_ text: Substring) throws(AMQPError) {
        var portText: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<end])
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw Self.wrong("after ] comes nothing or :port") }
            portText = tail.isEmpty ? nil : tail.dropFirst()
        } else {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = String(parts.first ?? "")
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty else { throw Self.wrong("it names no host") }
        guard !host.contains(",") else { throw Self.wrong("it names several hosts") }
        if let portText {
            guard portText.utf8.allSatisfy({ Self.hexDigit($0).map { $0 < 10 } ?? false }), let number = UInt16(portText), number > 0 else { throw Self.wrong("the port is a number from 1 to 65535") }
            port = Int(number)
        }
    }

    private mutating func readQuery(_ text: Substring) throws(AMQPError) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = try Self.decode(parts.count == 2 ? parts[1] : "", "query")
            guard tls != nil else { throw Self.wrong("query parameters belong to amqps://") }
            switch (parts[0], value) {
            case ("cacertfile", let file) where !file.isEmpty: tls?.caFile = file
            case ("verify", "verify_none"): tls?.verify = false
            case ("verify", "verify_peer"): tls?.verify = true
            default: throw Self.wrong("the query takes cacertfile=/path and verify=verify_peer or verify_none")
            }
        }
    }

    private static func decode(_ text: Substring, _ part: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else { bytes.append(byte); continue }
            guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
                throw wrong("the \(part) has a % without two hexadecimal digits")
            }
            bytes.append(high << 4 | low)
        }
        // A NUL would silently cut the text short on its way through C; a line break is what a copied secret ends with.
        guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw wrong("the \(part) is not UTF-8 text without control characters")
        }
        return decoded
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }

    private static func wrong(_ reason: String) -> AMQPError {
        AMQPError(.configuration, "the broker's URL cannot be used: \(reason)", isTransient: false)
    }
}
