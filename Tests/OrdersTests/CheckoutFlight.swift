@testable import Orders
@testable import Payments

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

extension CheckoutModel: Hashable {
    /// What differs from state to state.
    private struct Key: Hashable {
        let phase: Checkout.Phase
        let reason: Checkout.Reason?
        let reservation: Reservation
        let money: Money
        let flags: UInt16
        let flight: Flight
        let state: Attempt.State?
        let intent, secret, detail: String?
        let refunded: Int?
    }

    private var key: Key {
        let flags: UInt16 =
            (handsOver ? 1 : 0) | (callUnderWay ? 2 : 0) | (announcedConfirmed ? 4 : 0) | (announcedRejected ? 8 : 0) | (attempt?.voidRequested == true ? 16 : 0)
            | (announcedCancelled ? 32 : 0) | (shipped ? 64 : 0) | (attempt?.sentUntil == nil ? 0 : 128)
            | (lapsed ? 256 : 0) | (attempt?.captureRequested == true ? 512 : 0)
        return Key(
            phase: checkout.phase, reason: checkout.reason, reservation: reservation, money: money, flags: flags, flight: flight,
            state: attempt?.state, intent: attempt?.intent, secret: attempt?.clientSecret, detail: attempt?.detail, refunded: attempt?.refunded)
    }

    static func == (left: CheckoutModel, right: CheckoutModel) -> Bool { left.key == right.key }
    func hash(into hasher: inout Hasher) { hasher.combine(key) }
}
