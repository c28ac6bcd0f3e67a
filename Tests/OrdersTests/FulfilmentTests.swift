import Contracts
import FoundationEssentials
import Testing

@testable import Orders

/// Every sequence of shipments, delivery, returns, decisions and refunds of a small order, duplicates included.
@Suite struct FulfilmentTests {
    static let maximumStates = 200_000
    static let now = Date(timeIntervalSince1970: 1_780_000_000)
    static let order = [("tea", 2), ("cup", 1)].map { OrderLine(sku: $0.0, name: $0.0, quantity: $0.1, unitPrice: Money(amount: 100, currency: "EUR")) }
    private static let ordered = ["tea": 2, "cup": 1]
    private static let parcels: [[Fulfilment.Line]?] = [nil, [.init(sku: "tea", quantity: 1)], [.init(sku: "tea", quantity: 2)], [.init(sku: "cup", quantity: 1)]]

    private enum Deed: Hashable {
        case ship(Int, parcel: Int)
        case deliver
        case request(Int, sku: String, quantity: Int)
        case decide(Int, ReturnDecision)
        case refund(Int)
        case writeOff(Int)

        /// Two returns are enough to compete for the same pieces.
        static let all: [Deed] =
            (0..<3).flatMap { id in parcels.indices.map { .ship(id, parcel: $0) } } + [.deliver]
            + (0..<2).flatMap { id in
                [.request(id, sku: "tea", quantity: 1), .request(id, sku: "tea", quantity: 2), .decide(id, .approve), .decide(id, .refuse(reason: nil))]
                    + [.decide(id, .receive(restock: true)), .refund(id)]
            }
            + [.writeOff(0)]
    }

    private static func id(_ number: Int) -> UUID {
        UUID(uuid: (UInt8(number), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
    }

    private static func parcel(_ lines: [Fulfilment.Line]?) -> NewShipment {
        NewShipment(order: id(99), carrier: "DHL", trackingNumber: "1", trackingUrl: nil, lines: lines)
    }

    private static func apply(_ deed: Deed, to fulfilment: Fulfilment) -> Fulfilment {
        var after = fulfilment
        do {
            switch deed {
            case .ship(let number, let place): _ = try after.ship(parcel(parcels[place]), id: id(number), of: order, at: now)
            case .deliver: _ = try after.deliver(order, at: now)
            case .request(let number, let sku, let quantity):
                _ = try after.request([.init(sku: sku, quantity: quantity, reason: "broken")], id: id(10 + number), of: order, at: now)
            case .decide(let number, let decision): _ = try after.decide(decision, on: id(10 + number))
            case .refund(let number): _ = after.learn(RefundReport(refundID: Return.refund(of: id(10 + number)), state: .succeeded, amount: 100), revision: 1)
            case .writeOff(let number):
                let report = RefundReport(refundID: Return.refund(of: id(10 + number)), state: .failed, amount: 100, settlement: .writtenOff)
                _ = after.learn(report, revision: 1)
            }
        } catch {
            return fulfilment
        }
        return after
    }

    /// A refund is reported for a return whose goods have arrived: only then is it requested.
    private static func isPossible(_ deed: Deed, in fulfilment: Fulfilment) -> Bool {
        switch deed {
        case .refund(let number), .writeOff(let number):
            return fulfilment.returns.contains { $0.id == id(10 + number) && [.received, .refunded, .writtenOff].contains($0.state) }
        default: return true
        }
    }

    @Test func `in no sequence of requests is more shipped than ordered, or more returned than shipped, and none counts twice`() throws {
        var known: Set = [Fulfilment()]
        var states = [Fulfilment()]
        var seen: Set<Fulfilment.State?> = []
        var seenReturns: Set<Return.State> = []
        while let state = states.popLast() {
            seen.insert(state.state(of: Self.order))
            seenReturns.formUnion(state.returns.map(\.state))
            for (sku, quantity) in state.shipped { #expect(quantity <= Self.ordered[sku, default: 0]) }
            for (sku, quantity) in state.returned { #expect(quantity <= state.shipped[sku, default: 0]) }
            for deed in Deed.all where Self.isPossible(deed, in: state) {
                let next = Self.apply(deed, to: state)
                #expect(Self.apply(deed, to: next) == next, "\(deed) counts once")
                #expect(Self.rank(next) >= Self.rank(state), "\(deed) goes back")
                if known.insert(next).inserted { states.append(next) }
            }
            try #require(known.count < Self.maximumStates)
        }
        #expect(seen == Set([nil] + Fulfilment.State.allCases.map(Optional.some)))
        #expect(seenReturns == Set(Return.State.allCases))
    }

    /// What payments reports about one refund, in this order: refused, requested again by an operator, made, and sent back by the bank.
    private static let reports: [(RefundState, revision: Int)] = [(.pending, 1), (.needsOperator, 2), (.pending, 3), (.succeeded, 3), (.failed, 5)]

    @Test func `in whatever order reports about a refund arrive, and however often, its return shows the newest`() throws {
        var received = Fulfilment()
        _ = try received.ship(Self.parcel(nil), id: Self.id(1), of: Self.order, at: Self.now)
        let one = try received.request([.init(sku: "tea", quantity: 1, reason: "broken")], id: Self.id(10), of: Self.order, at: Self.now)
        #expect(one.refund == nil)
        _ = try received.decide(.approve, on: one.id)
        _ = try received.decide(.receive(restock: false), on: one.id)
        for count in 1...Self.reports.count {
            let newest = try #require(Self.reports.prefix(count).last)
            for order in Self.permutations(Array(Self.reports.prefix(count))) {
                var (fulfilment, paid) = (received, 0)
                for (state, revision) in order + order {
                    let report = RefundReport(refundID: one.refundID, state: state, amount: 90)
                    if fulfilment.learn(report, revision: revision) == .paid { paid += 1 }
                }
                let shown = try #require(fulfilment.returns.first)
                #expect(shown.refund == Return.Refund(state: newest.0, amount: Money(amount: 90, currency: "EUR")), "\(order)")
                #expect(shown.state == (newest.0 == .succeeded ? .refunded : .received))
                #expect(paid == (order.contains { $0.0 == .succeeded } ? 1 : 0), "the customer is notified once")
            }
        }
    }

    private static func permutations<T>(_ all: [T]) -> [[T]] {
        if all.count < 2 { return [all] }
        return all.indices.flatMap { place in
            var rest = all
            let first = rest.remove(at: place)
            return permutations(rest).map { [first] + $0 }
        }
    }

    private static func rank(_ fulfilment: Fulfilment) -> Int {
        switch fulfilment.state(of: order) {
        case nil: 0
        case .partlyShipped: 1
        case .shipped: 2
        case .delivered: 3
        }
    }

    private func problem(_ body: () throws -> Void) -> Problem? {
        do {
            try body()
            return nil
        } catch {
            return error as? Problem
        }
    }

    @Test func `lines that are not in the order are named, and more than is left is refused`() throws {
        var fulfilment = Fulfilment()
        let unknown = problem { _ = try fulfilment.ship(Self.parcel([.init(sku: "pot", quantity: 1)]), id: Self.id(1), of: Self.order, at: Self.now) }
        #expect(unknown?.status == 422 && unknown?.errors?.map(\.field) == ["lines[0].sku"])
        let twice = [Fulfilment.Line(sku: "tea", quantity: 2), .init(sku: "tea", quantity: 1)]
        let more = problem { _ = try fulfilment.ship(Self.parcel(twice), id: Self.id(1), of: Self.order, at: Self.now) }
        #expect(more?.status == 409 && more?.type.hasSuffix("/more-than-left") == true)
        #expect(problem { _ = try fulfilment.deliver(Self.order, at: Self.now) }?.type.hasSuffix("/not-shipped") == true)
        _ = try fulfilment.ship(Self.parcel(nil), id: Self.id(1), of: Self.order, at: Self.now)
        #expect(problem { _ = try fulfilment.ship(Self.parcel(nil), id: Self.id(2), of: Self.order, at: Self.now) }?.type.hasSuffix("/already-shipped") == true)
    }
}
