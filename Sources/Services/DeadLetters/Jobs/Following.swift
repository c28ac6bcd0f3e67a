import Contracts
import FoundationEssentials
import JSON
import Messaging
import PostgreSQL
import Runtime
import Secrets

/// `deadletters.replays.follow`: asks for the outcomes of these replayed letters.
struct FollowReplays: Sendable, Codable {
    let letters: [UUID]
}

/// Follows replayed messages until their services have handled them: asks the inboxes, at growing intervals. A message that dies again is noticed by the
/// collector.
struct Following: Sendable {
    static let interval: Duration = .seconds(1)
    /// Letters in one message.
    static let maximumDue = InboxQuery.maximum
    /// Seconds for which due letters belong to the message that takes them.
    static let lease = 15.0
    /// A service that does not answer in this time is asked again later.
    static let timeout: Duration = .seconds(2)
    /// Maximum seconds between two queries about one letter. The interval starts at one second and doubles.
    static let longestPause = 60.0
    /// Seconds for which a service is asked: longer than the whole retry ladder takes.
    static let patience = 3600.0

    /// The services that can be asked.
    let services: Set<String>
    let ask: RequestClient.Ask
    let clock: any WallClock

    func findDue(on transaction: any SQLConnection) async throws -> [OutgoingMessage] {
        let letters = try await ReplayStore.takeDue(Self.maximumDue, now: clock.now(), lease: Self.lease, on: transaction)
        return letters.isEmpty ? [] : [try OutgoingMessage(.request(MessageName.followReplays), FollowReplays(letters: letters))]
    }

    /// Returns the messages that their services have handled.
    func look(_ items: [IncomingMessage<FollowReplays>], _ database: any Database) async throws -> Set<UUID> {
        let letters = items.flatMap(\.input.letters)
        let replays = try await database.withConnection { try await ReplayStore.find(letters, on: $0) }
        let asked = Dictionary(grouping: replays.filter { $0.isOpen && services.contains($0.service) }, by: \.service)
        let answers = await asked.concurrentMap(limit: services.count + 1) { service, replays in
            await handled(Set(replays.map(\.message)), in: service)
        }
        return answers.reduce(into: []) { $0.formUnion($1) }
    }

    /// Empty where the service does not answer.
    private func handled(_ messages: Set<UUID>, in service: String) async -> Set<UUID> {
        let query = InboxQuery(messages: Array(messages.prefix(InboxQuery.maximum)))
        let answer: InboxAnswer? = try? await RequestClient.answer(to: query, MessageName.findInInbox(of: service), id: .v4(), within: Self.timeout, by: ask)
        return Set(answer?.handled ?? []).intersection(messages)
    }

    func settle(_ items: [IncomingMessage<FollowReplays>], handled: Set<UUID>, on transaction: any SQLConnection) async throws -> [Outcome] {
        let now = clock.now()
        let replays = try await ReplayStore.find(items.flatMap(\.input.letters), on: transaction)
        let ended = replays.filter { !$0.isOpen || !handled.contains($0.message) && now.timeIntervalSince($0.sentAt) > Self.patience }
        let done = replays.filter { $0.isOpen && handled.contains($0.message) }
        let settled = Set((ended + done).map(\.letter))
        try await ReplayStore.conclude(done.map(\.letter), now: now, on: transaction)
        try await ReplayStore.stop(ended.map(\.letter), on: transaction)
        let open = replays.filter { !settled.contains($0.letter) }
        try await ReplayStore.postpone(open.map { ($0.letter, now.addingTimeInterval(Self.pause(after: $0.tries))) }, on: transaction)
        return items.map { _ in .done(note: "\(done.count) handled, \(open.count) open") }
    }

    static func pause(after tries: Int) -> Double {
        tries < 6 ? Double(1 << max(0, tries)) * 2 : longestPause
    }
}
