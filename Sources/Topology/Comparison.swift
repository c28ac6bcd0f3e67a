/// Compares the definitions with what a broker has.
struct Comparison {
    let wanted: Definitions
    let held: Definitions

    /// All differences, in the order of the file's sections.
    func drift() -> [Drift] {
        compare(\.virtualHosts) { _ in false }
            + compare(\.users) { _ in false }
            + compare(\.permissions) { isOurs(user: $0.user) }
            + compare(\.topicPermissions) { isOurs(user: $0.user) }
            + compare(\.exchanges) { isOurs($0.virtualHost, $0.name) }
            + compare(\.queues) { isOurs($0.virtualHost, $0.name) }
            + compare(\.bindings, isOurs)
            + compare(\.policies) { !queues(under: $0).isEmpty }
    }

    private func compare<Entry: DefinitionEntry>(
        _ section: KeyPath<Definitions, [Entry]>, _ isOurs: (Entry) -> Bool
    ) -> [Drift] {
        let byTitle = Dictionary(held[keyPath: section].map { ($0.title, $0) }) { first, _ in first }
        let known = Set(wanted[keyPath: section].map(\.title))
        let wrong = wanted[keyPath: section].compactMap { entry in
            guard let actual = byTitle[entry.title] else { return Drift(.missing, entry.title) }
            return entry.difference(to: actual)
        }
        let extra = held[keyPath: section].filter { !known.contains($0.title) && isOurs($0) }.map { entry in
            Drift(.extra, entry.title, (entry as? Definitions.Policy).map(effect) ?? "")
        }
        return wrong + extra.sorted { $0.object < $1.object }
    }

    // MARK: What belongs to Wharf

    private func isOurs(user: String) -> Bool {
        wanted.users.contains { $0.name == user }
    }

    /// `carts.anything` belongs to Wharf, because the definitions have `carts.commands`.
    private func isOurs(_ virtualHost: String, _ name: String) -> Bool {
        let family = name.prefix { $0 != "." }
        return wanted.queues.contains { $0.virtualHost == virtualHost && $0.name.prefix { $0 != "." } == family }
            || wanted.exchanges.contains { $0.virtualHost == virtualHost && $0.name.prefix { $0 != "." } == family }
    }

    /// A binding of an exchange or to a queue of the definitions: it takes messages away, or adds some.
    private func isOurs(_ binding: Definitions.Binding) -> Bool {
        wanted.exchanges.contains { $0.virtualHost == binding.virtualHost && $0.name == binding.source }
            || binding.destinationType == "queue" && !binding.source.isEmpty
                && wanted.queues.contains { $0.virtualHost == binding.virtualHost && $0.name == binding.destination }
    }

    /// Only one policy applies to a queue: another one that matches may displace the right one.
    private func queues(under policy: Definitions.Policy) -> [String] {
        wanted.queues.filter { policy.applies(to: $0) }.map(\.name)
    }

    private func effect(of policy: Definitions.Policy) -> String {
        "matches \(queues(under: policy).joined(separator: ", "))"
    }
}
