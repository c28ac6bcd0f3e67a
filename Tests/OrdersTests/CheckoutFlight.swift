@testable import Orders

extension CheckoutModel {
    /// A set of messages in one word: it is hashed for every state.
    struct Flight: Hashable, Sequence {
        private var bits: UInt32 = 0

        init(_ messages: Message...) {
            for message in messages { insert(message) }
        }

        var isEmpty: Bool { bits == 0 }
        mutating func insert(_ message: Message) { bits |= Self.bit(message) }
        mutating func remove(_ message: Message) { bits &= ~Self.bit(message) }
        private static func bit(_ message: Message) -> UInt32 { 1 << UInt32(Message.places[message] ?? 31) }

        func makeIterator() -> some IteratorProtocol<Message> {
            Message.all.enumerated().lazy.filter { [bits] in bits & (1 << UInt32($0.offset)) != 0 }.map(\.element).makeIterator()
        }
    }
}
