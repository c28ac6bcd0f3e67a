import AMQP
import Contracts
import FoundationEssentials
import JSON
import Secrets

/// The answer to a request, as it will leave over HTTP.
public struct Reply: Sendable, Equatable {
    public var status: Int
    /// Lower-case HTTP header names.
    public var headers: [String: String]
    /// Empty for 204; JSON otherwise.
    public var body: [UInt8]
    /// Whether the inbox has answered in place of the handler.
    public var isReplayed = false
    /// Contains a secret: it goes to the requester and is stored nowhere, so a retry is handled again.
    public var isPrivate = false
    /// Until when a second reply follows, about the work that this one accepts. It belongs to one delivery of the request, and is not stored with the reply.
    public var settlesUntil: Date?
    /// The id under which the second reply arrives at its requester.
    var correlationID: String?
    /// The request could not be read, and so was not handled: the inbox does not record it, and the corrected request may arrive under the same id.
    var isUnread = false

    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    public init(status: Int = 200, headers: [String: String] = [:], json value: some Encodable) throws {
        self.init(status: status, headers: headers, body: try JSON.encode(value))
    }

    /// A reply with the entity tag of the value's representation.
    public init(status: Int = 200, headers: [String: String] = [:], tagged value: some Encodable) throws {
        try self.init(status: status, headers: headers, json: value)
        self.headers["etag"] = Self.entityTag(of: body)
    }

    /// The entity tag of a representation.
    public static func entityTag(of body: [UInt8]) -> String { "\"\(SHA256.hex(body).prefix(32))\"" }

    public init(_ problem: Problem, headers: [String: String] = [:]) {
        // Encoding a Problem cannot fail: it holds strings and integers. Should it ever, the status still says what happened.
        let body = (try? JSON.encode(problem)) ?? []
        self.init(status: problem.status, headers: headers, body: body)
        self.headers["content-type"] = "application/problem+json"
        if status == 503 || status == 429, self.headers["retry-after"] == nil {
            self.headers["retry-after"] = "1"
        }
    }

    public static let noContent = Reply(status: 204)

    /// The header of a part of an answer that is too large for one message: the parameter `after` with which the same request gets the next part. It leaves no
    /// ingress.
    public static let nextPage = "x-wharf-next"

    /// Whether a retry of the same request must get this same answer: it had an effect, or it is a final rejection.
    var isLasting: Bool {
        !isPrivate && !isUnread && ((200..<300).contains(status) || [409, 412, 422].contains(status))
    }
}

extension Reply {
    func publication(to requester: Requester) -> Publication {
        var properties = Properties()
        properties.correlationID = requester.correlationID
        properties.contentType = headers["content-type"] ?? "application/json"
        properties.headers[HeaderName.status] = .integer(Int64(status))
        if isReplayed { properties.headers[HeaderName.replayed] = .boolean(true) }
        if let settlesUntil { properties.headers[HeaderName.settlesUntil] = .integer(settlesUntil.headerMilliseconds) }
        for (name, value) in headers {
            properties.headers[HeaderName.replyHeaderPrefix + name] = .string(value)
        }
        return Publication(
            exchange: Exchange.replies, routingKey: requester.replyTo, properties: properties, body: body, mandatory: true)
    }

    /// The statuses of final answers. Any other is a mistake of its sender, and would trap in HTTP's types.
    private static let statuses: ClosedRange<Int64> = 200...599

    /// Reads a delivery that any client of the broker may have written.
    init(_ delivery: Delivery) {
        var status = 500
        var headers: [String: String] = [:]
        for (name, value) in delivery.properties.headers {
            switch (name, value) {
            case (HeaderName.status, .integer(let code)) where Self.statuses.contains(code): status = Int(clamping: code)
            case (_, .string(let text)) where name.hasPrefix(HeaderName.replyHeaderPrefix):
                headers[String(name.dropFirst(HeaderName.replyHeaderPrefix.count))] = text
            default: continue
            }
        }
        self.init(status: status, headers: headers, body: delivery.body)
        if case .boolean(true)? = delivery.properties.headers[HeaderName.replayed] { isReplayed = true }
        if case .integer(let time)? = delivery.properties.headers[HeaderName.settlesUntil] { settlesUntil = Date(headerMilliseconds: time) }
    }
}
