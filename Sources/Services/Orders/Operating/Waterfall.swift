import FoundationEssentials
import Messaging
import Secrets

/// The messages of an order as the inboxes know them: which one led to which, when each was sent, and when it was handled.
struct Waterfall: Sendable {
    struct Message: Sendable, Codable, Equatable {
        let id: String
        /// The message whose handling sent it; absent where no inbox says so.
        let parent: String?
        /// How many messages led to it.
        let depth: Int
        let operation: String?
        /// The service that handled it, or will.
        let service: String?
        let sentAt: Date?
        /// Absent while it waits, and after the inbox has forgotten it.
        let handledAt: Date?
        /// From sending to the end of the handling: waiting, retries and work.
        let milliseconds: Int?
    }

    struct Node: Sendable {
        let id: UUID
        var parent: UUID?
        var operation: String?
        var isEvent = false
        var service: String?
        var sentAt: Date?
        var handledAt: Date?
        /// Whether the inboxes have been asked about it.
        var isClosed = false

        /// An event's name does not show its subscribers, and a message without a name may go to any service.
        func mayBeHandled(by service: String) -> Bool {
            guard !isEvent, let operation else { return true }
            return operation.hasPrefix("\(service).")
        }
    }

    private let maximum: Int
    private var nodes: [UUID: Node] = [:]
    var unanswered: [String] = []

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// The messages to ask the inboxes about.
    var open: [Node] { nodes.values.filter { !$0.isClosed }.sorted { $0.id < $1.id } }

    /// Adds a message that is known without an inbox. The first name is kept.
    mutating func addRoot(_ id: UUID, operation: String?) {
        if nodes[id]?.operation == nil { add(id) { $0.operation = operation } }
    }

    mutating func close(_ ids: [UUID]) {
        for id in ids { nodes[id]?.isClosed = true }
    }

    /// What the inbox of a service knows of the messages.
    mutating func learn(_ handled: [InboxTrail.Handled], of service: String) {
        for message in handled.sorted(by: { ($0.at, $0.id) < ($1.at, $1.id) }) {
            add(message.id) {
                $0.service = service
                $0.handledAt = message.at
            }
            for output in message.sent {
                add(output.id) { node in
                    node.parent = message.id
                    node.sentAt = message.at
                    node.operation = output.operation ?? node.operation
                    node.isEvent = output.isEvent
                    if !output.isEvent { node.service = node.service ?? output.operation.map { String($0.prefix { $0 != "." }) } }
                }
            }
        }
    }

    private mutating func add(_ id: UUID, _ change: (inout Node) -> Void) {
        guard nodes[id] != nil || nodes.count < maximum else { return }
        change(&nodes[id, default: Node(id: id)])
    }

    /// In the order of a depth-first walk: each message is followed by those that it led to, and messages without a known cause are in the order of their times.
    var messages: [Message] {
        let children = Dictionary(grouping: nodes.values.filter { hasParent($0) }) { $0.parent ?? .zero }
        var messages: [Message] = []
        // A cycle cannot come from Wharf's messages; it is left out, so that the walk ends.
        var path = sorted(nodes.values.filter { !hasParent($0) }).reversed().map { (node: $0, depth: 0) }
        while let (node, depth) = path.popLast() {
            messages.append(Message(node, depth: depth))
            path += sorted(children[node.id] ?? []).reversed().map { ($0, depth + 1) }
        }
        return messages
    }

    private func hasParent(_ node: Node) -> Bool { node.parent.map { nodes[$0] != nil } ?? false }

    private func sorted(_ nodes: [Node]) -> [Node] {
        nodes.sorted { ($0.sentAt ?? $0.handledAt ?? .distantFuture, $0.id) < ($1.sentAt ?? $1.handledAt ?? .distantFuture, $1.id) }
    }
}

extension Waterfall.Message {
    fileprivate init(_ node: Waterfall.Node, depth: Int) {
        let milliseconds: Int? =
            if let sent = node.sentAt, let handled = node.handledAt { handled.milliseconds(since: sent) } else { nil }
        self.init(
            id: node.id.lowerCaseText, parent: node.parent?.lowerCaseText, depth: depth, operation: node.operation, service: node.service,
            sentAt: node.sentAt, handledAt: node.handledAt, milliseconds: milliseconds)
    }
}
