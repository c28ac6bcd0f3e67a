import Contracts
import FoundationEssentials
import Operator
import Terminal

/// The work that needs an administrator's attention, on one page. If a service does not answer, its part is empty.
struct Overview: Sendable {
    /// The maximum number of rows in each part.
    static let rows = 8
    /// The time for which a group counts as new.
    private static let newness: TimeInterval = 86_400

    typealias Found<Value> = Result<Value, any Error>

    let stats: Found<LetterStats>
    let groups: Found<Listed<LetterGroup>>
    let checkouts: Found<Listed<CheckoutLine>>
    let payments: Found<Listed<UnresolvedLine>>
    let notifications: Found<Listed<NotificationLine>>
    /// Nil if the management API is not configured.
    let queues: Found<[BrokerQueue]>?
    let now: Date

    static func show(_ visit: Visit) async throws -> Outcome {
        let services = visit.services
        let limit = ["limit": "\(rows)"]
        async let stats: Found<LetterStats> = .of { try await services.ask(.letterStats) }
        async let groups: Found<Listed<LetterGroup>> = .of { try await services.ask(.groups, limit) }
        async let checkouts: Found<Listed<CheckoutLine>> = .of { try await services.ask(.checkouts, ["stuck": "true"].merging(limit) { $1 }) }
        async let payments: Found<Listed<UnresolvedLine>> = .of { try await services.ask(.payments, limit) }
        async let notifications: Found<Listed<NotificationLine>> = .of { try await services.ask(.notifications, ["result": "failed"].merging(limit) { $1 }) }
        let queues: Found<[BrokerQueue]>? = if let broker = visit.broker { await .of { try await broker.queues() } } else { nil }
        let overview = Overview(
            stats: await stats, groups: await groups, checkouts: await checkouts, payments: await payments, notifications: await notifications, queues: queues, now: visit.now)
        return .page(Page(title: "Overview", section: .overview, content: overview.markup))
    }

    var markup: Markup {
        "<h1>Overview</h1><div class=\"grid\">\(letters)\(newGroups)\(stuck)\(decisions)\(failures)\(broker)</div>"
    }

    private func part<Value>(_ title: String, _ found: Found<Value>, of service: String, more: Markup? = nil, _ content: (Value) -> Markup) -> Markup {
        let inner =
            switch found {
            case .success(let value): content(value)
            case .failure(let error): Part.missing(error, service)
            }
        return Part.section(title, inner, more: more)
    }

    private var letters: Markup {
        part("Dead letters", stats, of: "deadletters", more: Part.link("All", Section.letters.path)) { stats in
            let open = stats.states["open"] ?? 0
            let counts = stats.states.sorted { $0.key < $1.key }.filter { $0.key != "open" }.map { "\($0.value) \($0.key)" }.joined(separator: " · ")
            let head: Markup = """
                <div class="figure"><p><strong class="\(open > 0 ? "bad" : "good")">\(open)</strong> open</p><p class="soft">\(counts)</p></div>\(stats.perHour.contains { $0 > 0 } ? Chart.hours(stats.perHour, wide: true) : .nothing)
                """
            let waiting = stats.services.filter { $0.open > 0 }
            guard !waiting.isEmpty else { return head + Part.empty("No letter is open.") }
            let rows = waiting.map { service -> [Markup] in
                [
                    Part.link(service.service, Link.to("letters", query: ["service": service.service])), "\(service.open)",
                    service.oldest.map { Part.age($0, now) } ?? "–",
                ]
            }
            return head + Table("Open letters by service", [.init("Service"), .init("Open", .number), .init("Oldest", .number)], rows).markup
        }
    }

    private var newGroups: Markup {
        part("New groups", groups, of: "deadletters", more: Part.link("All", Section.groups.path)) { groups in
            let new = groups.items.filter { now.timeIntervalSince($0.firstSeenAt) < Self.newness || $0.returned.map { $0 != "never" } == true }
            guard !new.isEmpty else { return Part.empty("No new cause in 24 hours.") }
            let rows = new.map { group -> [Markup] in
                [GroupsPage.heading(group), "\(group.open)", Chart.hours(group.perHour), Part.age(group.firstSeenAt, now)]
            }
            return Table("New groups", [.init("Cause"), .init("Open", .number), .init("24 hours", wide: true), .init("Since", .number)], rows).markup
        }
    }

    private var stuck: Markup {
        part("Stuck checkouts", checkouts, of: "orders", more: Part.link("All", Section.checkouts.path)) { list in
            guard !list.items.isEmpty else { return Part.empty("No checkout is stuck.") }
            let rows = list.items.map { checkout -> [Markup] in
                [
                    Part.link(checkout.number, Link.to("checkouts", checkout.orderId)), Part.badge(checkout.state), "\(checkout.retries)", Part.age(checkout.placedAt, now),
                    "\(checkout.total.text)",
                ]
            }
            return Table("Stuck checkouts", [.init("Order"), .init("Waits for"), .init("Repeats", .number, wide: true), .init("Age", .number), .init("Total", .number, wide: true)], rows).markup
        }
    }

    private var decisions: Markup {
        part("Payments to decide", payments, of: "payments", more: Part.link("All", Section.payments.path)) { list in
            guard !list.items.isEmpty else { return Part.empty("No payment needs a decision.") }
            let rows = list.items.map { payment -> [Markup] in
                [Part.link(payment.orderId.shortID, Link.to("checkouts", payment.orderId)), Part.badge(payment.kind), "\(payment.amount.text)", Part.age(payment.since, now)]
            }
            return Table("Payments that need a decision", [.init("Order"), .init("Kind"), .init("Amount", .number), .init("Since", .number)], rows).markup
        }
    }

    private var failures: Markup {
        let all = Link.to("notifications", query: ["result": "failed"])
        return part("Failed notifications", notifications, of: "notifications", more: Part.link("All", all)) { list in
            guard !list.items.isEmpty else { return Part.empty("No notification has failed.") }
            let rows = list.items.map { item -> [Markup] in
                [
                    item.orderId.map { Part.link(item.kind, Link.to("notifications", query: ["order": $0])) } ?? "\(item.kind)", "\(item.recipient.printable)",
                    "\(item.detail?.printable ?? "")", Part.age(item.createdAt, now),
                ]
            }
            return Table("Failed notifications", [.init("Kind"), .init("Recipient", wide: true), .init("Why"), .init("Age", .number)], rows).markup
        }
    }

    private var broker: Markup {
        guard let queues else {
            return Part.section(
                "Queues", Part.note("<p>Queue depths are not shown, because <code>WHARF_RABBITMQ_MANAGEMENT_URL</code> is not set for the console.</p>"))
        }
        return part("Queues", queues, of: "RabbitMQ's management API") { QueueTable(queues: $0, now: now).markup }
    }
}

/// Queues with their depths and consumers.
struct QueueTable: Sendable {
    let queues: [BrokerQueue]
    let now: Date

    /// Queues with messages or without workers; the others are collapsed.
    var markup: Markup {
        let busy = queues.filter { ($0.messages ?? 0) > 0 || $0.consumers == 0 && !$0.isLadder }
        let quiet = queues.filter { queue in !busy.contains(queue) }
        let shown = busy.isEmpty ? Part.empty("All \(quiet.count) queues are empty and have workers.") : table("Queues", busy)
        let rest: Markup = quiet.isEmpty ? .nothing : "<details class=\"quiet-queues\"><summary>\(quiet.count) empty queues</summary>\(table("Empty queues", quiet))</details>"
        return shown + rest
    }

    private func table(_ label: String, _ queues: [BrokerQueue]) -> Markup {
        let rows = queues.sorted { ($0.isNeglected ? 0 : 1, -($0.messages ?? 0), $0.name) < ($1.isNeglected ? 0 : 1, -($1.messages ?? 0), $1.name) }.map { queue -> [Markup] in
            let consumers: Markup = queue.isLadder ? "–" : queue.isNeglected || queue.consumers == 0 ? Part.badge("\(queue.consumers ?? 0)", .bad) : "\(queue.consumers ?? 0)"
            return [
                Part.code(queue.name), queue.ready.map { "\($0)" } ?? "–", queue.unacknowledged.map { "\($0)" } ?? "–",
                queue.oldest.map { Part.age($0, now) } ?? "–", queue.rate.map { "\($0.tenths)" } ?? "–", consumers,
            ]
        }
        return Table(
            label,
            [
                .init("Queue"), .init("Waiting", .number), .init("In hand", .number, wide: true), .init("Oldest", .number, wide: true), .init("Per second", .number, wide: true),
                .init("Workers", .number),
            ], rows
        ).markup
    }
}

extension String {
    /// The end of an id. Ids created at the same time have the same beginning, which encodes the time.
    var shortID: String { String(suffix(8)) }
}
