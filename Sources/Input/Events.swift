import Contracts
import FoundationEssentials
import JSON
import Messaging
import Secrets

/// The versions of the objects that clients listen to. The ingress queries them to notice changes; the events of an object are numbered from 0.
public struct VersionsQuery: Sendable, Codable {
    public struct Answer: Sendable, Codable {
        public let versions: [String: Int]
    }

    /// The ids as the clients wrote them.
    public let ids: [String]

    public init(ids: [String]) {
        self.ids = ids
    }

    /// Replies with the versions of the objects that exist.
    public static func answer(
        _ items: [IncomingMessage<VersionsQuery>], find: ([UUID]) async throws -> [UUID: Int]
    ) async throws -> [Outcome] {
        let texts = Set(items.flatMap(\.input.ids))
        let ids = Dictionary(texts.map { ($0, UUID(text: $0)) }, uniquingKeysWith: { first, _ in first }).compactMapValues(\.self)
        let versions = try await find(Array(Set(ids.values)))
        return try items.map { item in
            let known = item.input.ids.compactMap { text in ids[text].flatMap { versions[$0] }.map { (text, $0) } }
            return .done(try Reply(json: Answer(versions: Dictionary(known, uniquingKeysWith: { first, _ in first }))))
        }
    }
}

/// The events that a client does not have yet, in the format of an event stream.
public struct EventText: Sendable {
    private var body: [UInt8] = []

    public init() {}

    public mutating func add(_ number: Int, _ data: some Encodable) throws {
        // JSON has no line breaks.
        body += Array("id: \(number)\ndata: ".utf8) + (try JSON.encode(data)) + Array("\n\n".utf8)
    }

    /// - Parameter last: The newest event there is; nil when no more will follow.
    public func reply(last: Int?) -> Reply {
        var headers = ["content-type": "text/event-stream; charset=utf-8"]
        if let last { headers[Reply.nextPage] = String(last) }
        return Reply(status: 200, headers: headers, body: body)
    }
}

extension Fields {
    /// The number of the last event that the client has; -1 for none, and for an id of another stream, whose client gets everything.
    public mutating func lastEvent() -> Int {
        // The ingress's own position takes precedence over the client's.
        let place = optionalParameter("after", 1...20) ?? optionalParameter("last-event-id", 1...200)
        return max(place.flatMap { Int($0) } ?? -1, -1)
    }
}
