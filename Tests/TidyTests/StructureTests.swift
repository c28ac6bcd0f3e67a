import Foundation
import Testing

/// The structure of the repository: which module may use which, and that documents and settings match the code.
@Suite struct `Structure` {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A Swift file of the repository.
    struct Source {
        /// Below the repository.
        let path: String
        let text: String

        var imports: Set<String> {
            Set(text.matches(of: /(?m)^(?:@testable |public |package |internal )?import (\w+)$/).map { String($0.1) })
        }
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path()).filter { !$0.hasPrefix(".") }.sorted()
    }

    static func sources(in folder: String) throws -> [Source] {
        let paths = FileManager.default.enumerator(atPath: root.appending(path: folder).path())?.compactMap { $0 as? String } ?? []
        return try paths.filter { $0.hasSuffix(".swift") }.sorted().map { Source(path: "\(folder)/\($0)", text: try text("\(folder)/\($0)")) }
    }

    /// The imports of forbidden modules, as `file imports module`.
    private static func uses(of modules: Set<String>, in sources: [Source]) -> [String] {
        sources.flatMap { source in source.imports.intersection(modules).sorted().map { "\(source.path) imports \($0)" } }
    }

    // MARK: Modules

    @Test func `no service imports another: they communicate by messages`() throws {
        let services = try Self.names(in: "Sources/Services")
        #expect(services.count > 5)
        for service in services {
            #expect(Self.uses(of: Set(services).subtracting([service]), in: try Self.sources(in: "Sources/Services/\(service)")) == [])
        }
    }

    @Test func `C libraries are used by clients alone`() throws {
        let libraries = Set(try Self.names(in: "Sources/CLibraries"))
        let all = try Self.sources(in: "Sources")
        #expect(!Self.uses(of: libraries, in: all).isEmpty)
        #expect(Self.uses(of: libraries, in: all.filter { !$0.path.hasPrefix("Sources/Clients/") }) == [])
    }

    @Test func `production code imports nothing of Sources Development`() throws {
        let modules = Set(try Self.names(in: "Sources/Development"))
        let production = try Self.sources(in: "Sources").filter { !$0.path.hasPrefix("Sources/Development/") && !$0.path.hasPrefix("Sources/wharf-dev/") }
        #expect(Self.uses(of: modules, in: production) == [])
    }

    @Test func `production uses FoundationEssentials only: Foundation links 34 MB of ICU`() throws {
        #expect(Self.uses(of: ["Foundation", "FoundationInternationalization"], in: try Self.sources(in: "Sources")) == [])
    }

    @Test func `each service is given only the clients that it uses`() throws {
        let clients = Set(try Self.names(in: "Sources/Clients"))
        let manifest = try Self.text("Package.swift")
        for service in try Self.names(in: "Sources/Services") {
            let line = try #require(manifest.firstMatch(of: Regex(#""\#(service)": \[(.*?)\]"#)), "\(service)")
            let given = Set((line.output[1].substring ?? "").matches(of: /"(\w+)"/).map { String($0.1) })
            let used = try Self.sources(in: "Sources/Services/\(service)").reduce(into: Set<String>()) { $0.formUnion($1.imports.intersection(clients)) }
            #expect(used.subtracting(["PostgreSQL", "Secrets"]) == given, "\(service)")
        }
    }

    // MARK: Files

    /// Longer files have a reason here; past the limit a second thing has moved in.
    private static let longFiles: [String: String] = [
        "Tests/MessagingTests/BatchTests.swift": "one suite over one fixture: what a batch does with each kind of message",
        "Sources/Clients/PostgreSQL/Pool/PostgresPool.swift": "the state of the pool and its failover belong to one lock; the latter is to move out",
        "Sources/Clients/PostgreSQL/Wire/PostgresConnection.swift": "one connection's life, from the handshake to its loss; the choice of a server is to move out",
    ]
    private static let maximumLines = 300

    @Test func `no file is longer than 300 lines without a reason`() throws {
        let long = try (Self.sources(in: "Sources") + Self.sources(in: "Tests")).filter { $0.text.count { $0.isNewline } > Self.maximumLines }.map(\.path)
        #expect(Set(long) == Set(Self.longFiles.keys))
    }

    // MARK: Settings and documents

    @Test func `every setting is read by something`() throws {
        let readers = try Self.sources(in: "Sources").filter { !$0.path.hasPrefix("Sources/Operations/Settings/") }.map(\.text).joined()
        var unread: [String] = []
        for source in try Self.sources(in: "Sources/Operations/Settings") {
            var owner = ""
            for found in source.text.matches(of: /public struct (\w+)|(\w+) = try table\.read\(\s*"(\w+)"/) {
                guard let name = found.3, let member = found.2 else {
                    owner = found.1.map(String.init) ?? ""
                    continue
                }
                let property = owner == "Settings" ? String(member) : "\(owner.prefix(1).lowercased())\(owner.dropFirst()).\(member)"
                if !readers.contains(".\(property)") { unread.append(String(name)) }
            }
        }
        #expect(unread == [])
    }

    @Test func `Compose gives roles as much time when a server restarts as at the first start`() throws {
        let text = try Self.text("compose.yaml")
        let check = try #require(text.firstMatch(of: /&ready\n(?s:.*?)interval: (\d+)s\n(?s:.*?)retries: (\d+)\n(?s:.*?)start_period: (\d+)s/))
        let (interval, retries, start) = try (#require(Int(check.1)), #require(Int(check.2)), #require(Int(check.3)))
        #expect(interval * retries >= start)
    }

    @Test func `every command of README and operations exists`() throws {
        let documents = try Self.text("README.md") + Self.text("docs/operations.md")
        let commands = try Self.sources(in: "Sources").flatMap { source in
            source.text.matches(of: /commandName: "([a-z-]+)"/).map { (source.path, String($0.1)) }
        }
        let development = Set(commands.filter { $0.0.hasPrefix("Sources/Development/") || $0.0.hasPrefix("Sources/wharf-dev/") }.map(\.1))
        let production = Set(commands.map(\.1)).subtracting(development)
        let targets = Set(try Self.text("Makefile").matches(of: /(?m)^([a-z]+):/).map { String($0.1) })
        var known = 0
        for (pattern, names) in [(/[`\/ ]wharf ([a-z-]+)/, production), (/[`\/ ]wharf-dev ([a-z-]+)/, development), (/(?:`|\n)make ([a-z]+)/, targets)] {
            for match in documents.matches(of: pattern) {
                #expect(names.contains(String(match.1)), "\(match.0)")
                known += 1
            }
        }
        #expect(known > 15)
    }
}
