import Contracts
import FoundationEssentials
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// Changes that people make to placed orders: each order is locked for its change, as for an event of its saga.
struct Changing: Sendable {
    let times: CheckoutTimes
    let clock: any WallClock

    /// Applies the requests of a batch one after the other. A change adds to the order's history, or counts a repeated step; a request that does neither changes nothing.
    /// - Parameter apply: Throws a `Problem` for a request that is refused, a `Failure` for one that has to wait.
    func change<Input: Sendable>(
        _ items: [IncomingMessage<Input>], of order: (Input) -> UUID?, named thing: String = "order", on transaction: any SQLConnection,
        _ apply: (IncomingMessage<Input>, inout OrderRow, Date) throws -> (Reply, [OutgoingMessage])
    ) async throws -> [Outcome] {
        let now = clock.now()
        var (orders, waiters) = try await Store.lockWithWaiters(items.compactMap { order($0.input) }, on: transaction)
        var changed: Set<UUID> = []
        var settled: [UUID: Int] = [:]
        var outcomes: [Outcome] = []
        for (index, item) in items.enumerated() {
            guard let id = order(item.input), var row = orders[id] else {
                outcomes.append(.refused(.notFound(thing)))
                continue
            }
            do {
                let (entries, retries, wasPending) = (row.newHistory.count, row.retries, !row.checkout.endsWait)
                let (reply, messages) = try apply(item, &row, now)
                outcomes.append(.done(reply, emit: messages))
                guard row.newHistory.count > entries || row.retries > retries else { continue }
                row.attribute(since: entries, to: item.request)
                orders[id] = row
                changed.insert(id)
                if wasPending, row.checkout.endsWait { settled[id] = index }
            } catch let problem as Problem {
                outcomes.append(.refused(problem))
            } catch let failure as Failure {
                outcomes.append(.failed(failure))
            }
        }
        let rows = changed.sorted().compactMap { orders[$0] }
        if rows.isEmpty { return outcomes }
        try await Store.save(rows, due: rows.map { times.due($0.checkout.phase, retries: $0.retries, placedAt: $0.placedAt, now: now) }, on: transaction)
        for (order, answers) in try await Store.answer(waiters, of: settled.keys.compactMap { orders[$0] }, on: transaction) {
            if let index = settled[order] { outcomes[index] = outcomes[index].emitting(answers) }
        }
        return outcomes
    }
}

extension Store {
    /// Returns the answers, by order, to those of `waiters` that wait for these settled orders, and removes these waiters.
    static func answer(_ waiters: [Waiter], of orders: [OrderRow], on transaction: any SQLConnection) async throws -> [UUID: [OutgoingMessage]] {
        let settled = Set(orders.map(\.id))
        let waiters = waiters.filter { settled.contains($0.order) }
        if waiters.isEmpty { return [:] }
        let awaited = Set(waiters.map(\.order))
        let views = try Dictionary(orders.filter { awaited.contains($0.id) }.map { ($0.id, try CheckoutView($0)) }, uniquingKeysWith: { first, _ in first })
        try await removeWaiters(of: awaited.sorted(), on: transaction)
        var answers: [UUID: [OutgoingMessage]] = [:]
        for waiter in waiters {
            guard let view = views[waiter.order] else { continue }
            // This answer may arrive before the reply to the checkout itself.
            let answer = OutgoingMessage.Destination.answer(waiter.requester, status: 200, headers: ["location": view.location])
            answers[waiter.order, default: []].append(try OutgoingMessage(answer, view))
        }
        return answers
    }
}

extension OrderRow {
    /// Adds the message that caused them, and the administrator who sent it, to the history's entries from index `start`.
    fileprivate mutating func attribute(since start: Int, to request: Request) {
        for index in newHistory.indices where index >= start {
            newHistory[index].message = request.id
            if newHistory[index].by == .shop { newHistory[index].administrator = request.caller?.auditName }
        }
    }

    mutating func note(_ state: String, _ detail: String, by actor: OrderView.Actor? = nil, at now: Date) {
        newHistory.append(.init(at: now, state: state, detail: detail, by: actor))
    }

    /// The same reply to each request that finds the order in this state.
    func reply(status: Int) throws -> Reply {
        try Reply(status: status, headers: ["location": "/v1/orders/\(id.lowerCaseText)"], json: try view)
    }
}

extension Caller? {
    /// Administrators act for the shop; guests are customers.
    var actor: OrderView.Actor { self?.role == .admin ? .shop : .customer }
}
