/// What AMQP and this client allow in a message. librabbitmq does not check: text that is too long would corrupt the frame, and a
/// header that is too large would end the connection, and with it the publications of other callers.
enum PublicationLimits {
    /// A "short string" has one byte for its length.
    static let textBytes = 255
    static let headerKeyBytes = 128
    /// All properties together: below the broker's frame of 128 KiB, with room for the frame itself.
    static let propertiesBytes = 120_000

    /// Why the message cannot be sent, or `nil`.
    static func violation(in publication: Publication) -> AMQPError? {
        let properties = publication.properties
        let texts: [(String, String?)] = [
            ("exchange", publication.exchange), ("routing key", publication.routingKey),
            ("message id", properties.messageID), ("correlation id", properties.correlationID), ("reply-to", properties.replyTo),
            ("type", properties.type), ("content type", properties.contentType), ("content encoding", properties.contentEncoding),
            ("app id", properties.appID), ("user id", properties.userID),
        ]
        for case (let name, let text?) in texts where text.utf8.count > textBytes {
            return invalid("its \(name) has \(text.utf8.count) bytes, at most \(textBytes) are allowed")
        }
        if publication.body.count > Publication.maximumBodyBytes {
            return invalid("its body has \(publication.body.count) bytes, at most \(Publication.maximumBodyBytes) are allowed")
        }
        if let expiration = properties.expiration, !(0...Int(UInt32.max)).contains(expiration) {
            return invalid("its expiration of \(expiration) ms is not within 0 to \(UInt32.max)")
        }
        guard !properties.headers.isEmpty else { return nil }
        guard let size = size(of: properties.headers, depth: 1) else {
            return invalid(
                "its headers nest deeper than \(FieldValue.maximumDepth), a key has more than \(headerKeyBytes) bytes, or a number is not finite")
        }
        return size <= propertiesBytes ? nil : invalid("its headers take \(size) bytes, at most \(propertiesBytes) are allowed")
    }

    private static func invalid(_ reason: String) -> AMQPError {
        AMQPError(.invalidMessage, "the message cannot be sent: \(reason)", isTransient: false)
    }

    /// In bytes on the wire; `nil` when it nests too deep, has a key that is too long, or holds NaN or an infinity: RabbitMQ cannot read those, and closes the
    /// connection with everything that is under way on it.
    private static func size(of table: [String: FieldValue], depth: Int) -> Int? {
        var total = lengthBytes
        for (key, value) in table {
            guard key.utf8.count <= headerKeyBytes, let size = size(of: value, depth: depth) else { return nil }
            total += 1 + key.utf8.count + size
        }
        return total
    }

    private static func size(of value: FieldValue, depth: Int) -> Int? {
        switch value {
        case .string(let text): return kindByte + lengthBytes + text.utf8.count
        case .bytes(let bytes): return kindByte + lengthBytes + bytes.count
        case .double(let number): return number.isFinite ? kindByte + 8 : nil
        case .integer, .timestamp: return kindByte + 8
        case .boolean: return kindByte + 1
        case .null: return kindByte
        case .table(let entries):
            guard depth < FieldValue.maximumDepth else { return nil }
            return size(of: entries, depth: depth + 1).map { kindByte + $0 }
        case .array(let values):
            guard depth < FieldValue.maximumDepth else { return nil }
            var total = kindByte + lengthBytes
            for element in values {
                guard let size = size(of: element, depth: depth + 1) else { return nil }
                total += size
            }
            return total
        }
    }

    private static let kindByte = 1
    private static let lengthBytes = 4
}
