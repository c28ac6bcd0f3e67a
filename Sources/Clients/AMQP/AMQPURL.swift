/// The parts of an `amqp://` or `amqps://` URL.
struct AMQPURL {
    var nodes: [AMQPConfiguration.Node] = []
    var user = "guest"
    var password = "guest"
    var virtualHost = "/"
    var tls: AMQPConfiguration.TLS?
    /// Nil where the URL leaves them out.
    var heartbeat: Duration?
    var connectTimeout: Duration?

    /// The port of a node that is given without one.
    private var standardPort: Int { tls == nil ? 5672 : 5671 }
    /// In seconds, and in milliseconds: the client's own limits, to which it clamps these values anyway.
    private static let heartbeats = 1...600
    private static let connectTimeouts = 100...60_000

    init(_ url: String) throws(AMQPError) {
        guard !url.contains("#") else { throw Self.wrong("it has a fragment; # is written %23") }
        var rest = url[...]
        if rest.hasPrefix("amqp://") {
            rest.removeFirst("amqp://".count)
        } else if rest.hasPrefix("amqps://") {
            rest.removeFirst("amqps://".count)
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
        let nodes = rest.split(separator: ",", omittingEmptySubsequences: false)
        guard nodes.count <= AMQPConfiguration.maximumNodes else { throw Self.wrong("it names more than \(AMQPConfiguration.maximumNodes) nodes") }
        for node in nodes { self.nodes.append(try readNode(node)) }
    }

    private mutating func readCredentials(_ text: Substring) throws(AMQPError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if let name = parts.first { user = try Self.decode(name, "user") }
        guard !user.isEmpty else { throw Self.wrong("it has a password without a user") }
        if parts.count == 2 { password = try Self.decode(parts[1], "password") }
    }

    private func readNode(_ text: Substring) throws(AMQPError) -> AMQPConfiguration.Node {
        var host = ""
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
        guard !host.isEmpty else { throw Self.wrong("it names no host, or one of several is empty") }
        guard let portText else { return .init(host: host, port: standardPort) }
        guard let port = Self.number(portText), UInt16(exactly: port) != nil, port > 0 else { throw Self.wrong("the port is a number from 1 to 65535") }
        return .init(host: host, port: port)
    }

    /// Digits alone: no sign.
    private static func number(_ text: some StringProtocol) -> Int? {
        text.utf8.allSatisfy { hexDigit($0).map { $0 < 10 } ?? false } ? Int(text) : nil
    }

    private mutating func readQuery(_ text: Substring) throws(AMQPError) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = try Self.decode(parts.count == 2 ? parts[1] : "", "query")
            switch parts[0] {
            case "heartbeat":
                guard let seconds = Self.number(value), Self.heartbeats.contains(seconds) else { throw Self.wrong("heartbeat is 1 to 600 seconds") }
                heartbeat = .seconds(seconds)
            case "connection_timeout":
                guard let milliseconds = Self.number(value), Self.connectTimeouts.contains(milliseconds) else {
                    throw Self.wrong("connection_timeout is 100 to 60000 milliseconds")
                }
                connectTimeout = .milliseconds(milliseconds)
            default: try readTLS(parts[0], value)
            }
        }
    }

    private mutating func readTLS(_ name: Substring, _ value: String) throws(AMQPError) {
        switch (name, value) {
        case ("cacertfile", let file) where !file.isEmpty && tls != nil: tls?.caFile = file
        case ("verify", "verify_none") where tls != nil: tls?.verify = false
        case ("verify", "verify_peer") where tls != nil: tls?.verify = true
        default:
            throw Self.wrong(
                "the query takes heartbeat and connection_timeout, and with amqps:// cacertfile=/path and verify=verify_peer or verify_none")
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
