import JSON

extension Definitions {
    /// The definitions as a file: one entry a line, so that a change shows what it changes.
    public func text() throws -> String {
        let lists = try [
            list("vhosts", virtualHosts), list("users", users), list("permissions", permissions), list("topic_permissions", topicPermissions),
            list("exchanges", exchanges), list("queues", queues), list("bindings", bindings), list("policies", policies),
        ]
        return "{\n\(lists.joined(separator: ",\n"))\n}\n"
    }

    private func list(_ name: String, _ entries: [some Encodable]) throws -> String {
        let lines = try entries.map { "    \(String(decoding: try JSON.encode($0), as: UTF8.self))" }
        return "  \"\(name)\": [\n\(lines.joined(separator: ",\n"))\n  ]"
    }
}
