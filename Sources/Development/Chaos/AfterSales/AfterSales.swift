import Contracts
import FoundationEssentials
import JSON
import Load
import ShopClient
import WebClient

/// What customers, the warehouse and clerks do with orders after their checkouts, according to the fate of each order.
struct AfterSales: Sendable {
    /// The pause between two steps of one order.
    private static let pauses = 50...1_500

    let administrator: Administrator
    /// The shop as customers reach it.
    let shop: Shop
    let promises: Promises

    /// Cancels an order that was just placed, whatever its checkout is doing.
    func cancelAtOnce(_ order: PlacedOrder) async throws {
        try await promises.following { try await cancel(order) }
    }

    /// A guest's cancellation, with the token of the checkout.
    private func cancel(_ order: PlacedOrder) async throws {
        let token = order.token.map { "?token=\($0)" } ?? ""
        let answer = try await shop.answer(to: Shop.Call(method: "POST", path: "/v1/orders/\(order.id.text)/cancellation\(token)"))
        accept(answer, 202, "a cancellation", of: order.id) { $0.isCancelled = true }
    }

    /// Follows the fate of an order that was reported as confirmed.
    func follow(_ order: PlacedOrder, _ reported: ReportedOrder, _ fate: Fate) async throws {
        try await promises.following { try await perform(fate, on: order, reported) }
    }

    private func perform(_ fate: Fate, on order: PlacedOrder, _ reported: ReportedOrder) async throws {
        switch fate {
        case .cancelledAtOnce: break
        case .kept(let refunds):
            try await pause()
            for refund in refunds { try await make(refund, of: order) }
        case .cancelledLate(let byShop, let refunds):
            try await pause()
            for refund in refunds { try await make(refund, of: order) }
            guard byShop else { return try await cancel(order) }
            accept(try await administrator.cancel(order.id), 202, "a cancellation", of: order.id) { $0.isCancelled = true }
        case .contested:
            async let shipment: Bool = ship(order, "1", nil)
            async let cancellation: Void = cancel(order)
            _ = try await (shipment, cancellation)
        case .shipped(let shipping):
            try await pause()
            try await follow(order, reported, shipping)
        }
    }

    private func follow(_ order: PlacedOrder, _ reported: ReportedOrder, _ shipping: Fate.Shipping) async throws {
        guard let line = reported.lines.first else { return }
        if shipping.inParts, reported.lines.count > 1 || line.quantity > 1 {
            guard try await ship(order, "1", [.init(sku: line.sku, quantity: 1)]) else { return }
            try await pause()
        }
        guard try await ship(order, "2", nil) else { return }
        if shipping.isDelivered {
            try await pause()
            accept(try await administrator.deliver(order.id), 200, "a delivery", of: order.id) { $0.isDelivered = true }
        }
        for one in shipping.returns { try await send(line.sku, back: one, of: order) }
        for refund in shipping.refunds { try await make(refund, of: order) }
    }

    private func pause() async throws {
        try await Task.sleep(for: .milliseconds(Int.random(in: Self.pauses)))
    }
}

// MARK: - Steps

extension AfterSales {
    /// Whether it was accepted.
    private func ship(_ order: PlacedOrder, _ parcel: String, _ pieces: [Administrator.Piece]?) async throws -> Bool {
        let number = "\(order.id.text)-\(parcel)"
        let answer = try await administrator.ship(order.id, trackingNumber: number, pieces: pieces)
        return accept(answer, 201, "a shipment", of: order.id) { $0.parcels.append(number) }
    }

    /// One piece.
    private func send(_ sku: String, back fate: Fate.Return, of order: PlacedOrder) async throws {
        struct New: Encodable {
            struct Line: Encodable { let sku: String; let quantity: Int; let reason: String }

            let lines: [Line]
        }
        struct Made: Decodable {
            struct Amount: Decodable { let amount: Int }

            let id: UUID
            let amount: Amount
        }
        let token = order.token.map { "?token=\($0)" } ?? ""
        let call = try Shop.Call.send("POST", "/v1/orders/\(order.id.text)/returns\(token)", New(lines: [.init(sku: sku, quantity: 1, reason: "too small")]))
        let answer = try await shop.answer(to: call)
        guard let made: Made = read(answer, 201, of: order.id, "a return"),
            accept(answer, 201, "a return", of: order.id, { $0.returns.append(.init(id: made.id, amount: made.amount.amount)) })
        else { return }
        try await pause()
        if fate == .refused {
            accept(try await administrator.refuse(return: made.id), 200, "the refusal of a return", of: order.id) { $0.change(made.id) { $0.isRefused = true } }
            return
        }
        guard accept(try await administrator.approve(return: made.id), 200, "the approval of a return", of: order.id, { _ in }), case .received(let restock) = fate else { return }
        try await pause()
        accept(try await administrator.receive(return: made.id, restock: restock), 200, "the receipt of a return", of: order.id) { $0.change(made.id) { $0.restock = restock } }
    }

    private func make(_ refund: Fate.Refund, of order: PlacedOrder) async throws {
        func part(_ percent: Int) -> Int { max(1, order.total.amount * percent / 100) }
        switch refund {
        case .part(let percent): try await refundOnce(part(percent), of: order)
        case .rest: try await refundOnce(nil, of: order)
        case .tooMuch: try await refundOnce(order.total.amount + 1, of: order)
        case .partTwice(let percent):
            async let first: Void = refundOnce(part(percent), of: order)
            try await refundOnce(part(percent), of: order)
            try await first
        }
    }

    private func refundOnce(_ amount: Int?, of order: PlacedOrder) async throws {
        struct Made: Decodable {
            struct Amount: Decodable { let amount: Int }

            let amount: Amount
        }
        let answer = try await administrator.refund(order.id, amount: amount)
        guard let made: Made = read(answer, 202, of: order.id, "a refund") else { return }
        accept(answer, 202, "a refund", of: order.id) { $0.refunds.append(made.amount.amount) }
    }

    /// The body of an accepted request; nil for any other answer, which is recorded.
    private func read<Body: Decodable>(_ answer: WebResponse, _ status: Int, of order: UUID, _ what: String) -> Body? {
        guard answer.status == status else {
            accept(answer, status, what, of: order) { _ in }
            return nil
        }
        let body: Body? = try? JSON.decode(from: answer.body)
        if body == nil { promises.complain("order \(order.text): the answer to \(what) cannot be read") }
        return body
    }

    /// Records what an accepted request promises. A conflict is a refusal; any other answer is reported.
    @discardableResult
    private func accept(_ answer: WebResponse, _ status: Int, _ what: String, of order: UUID, _ change: (inout Promises.Order) -> Void) -> Bool {
        switch answer.status {
        case status:
            promises.note(order, change)
            return true
        case 409:
            promises.refuse()
        default:
            promises.complain("order \(order.text): \(what) was answered with \(Refusal(answer))")
        }
        return false
    }
}

extension Promises.Order {
    fileprivate mutating func change(_ id: UUID, _ body: (inout Promises.Return) -> Void) {
        if let place = returns.firstIndex(where: { $0.id == id }) { body(&returns[place]) }
    }
}
