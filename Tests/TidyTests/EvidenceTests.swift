import Foundation
import Testing

/// That documents and lists name tests which exist: a claim whose test has been renamed or removed is only a claim.
@Suite struct `Evidence` {
    /// The names of all suites, by test target.
    private static func suites() throws -> [String: Set<String>] {
        try Structure.sources(in: "Tests").reduce(into: [:]) { suites, source in
            let target = source.path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
            let names = source.text.matches(of: /(?m)^\s*(?:@Suite(?:\(.*\))? )?(?:struct|enum|final class|class) (?:`([^`]+)`|(\w+))/).map { String($0.1 ?? $0.2 ?? "") }
            suites[target, default: []].formUnion(names)
        }
    }

    @Test func `every protection in SECURITY is backed by suites that exist`() throws {
        let suites = try Self.suites().values.reduce(into: Set<String>()) { $0.formUnion($1) }
        let surfaces = try Structure.text("SECURITY.md").split(separator: "\n## ").first { $0.hasPrefix("Attack surfaces") } ?? ""
        let rows = surfaces.split(separator: "\n").filter { $0.hasPrefix("|") }.dropFirst(2)
        #expect(rows.count > 20)
        for row in rows {
            let columns = row.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
            guard let tests = columns.dropLast().last else { continue }
            let named = tests.matches(of: /`([^`]+)`/).map { String($0.1) }
            #expect(!named.isEmpty || row.contains("`make "), "\(row)")
            for name in named { #expect(suites.contains(name), "\(name) in: \(row.prefix(60))") }
        }
    }

    private static let documents = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/ADDING.md", "docs/ARCHITECTURE.md", "docs/DEPLOYMENT.md", "docs/operations.md", "docs/PERFORMANCE.md"]

    @Test(arguments: documents) func `a document links to files that exist, and names none that does not`(document: String) throws {
        let text = try Structure.text(document)
        let folder = Structure.root.appending(path: document).deletingLastPathComponent()
        for link in text.matches(of: /\]\(([^)#\s]+)/).map({ String($0.1) }) where !link.contains("://") {
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: link).path()), "\(link)")
        }
        let sources = try Structure.sources(in: "Sources").map(\.path) + Structure.sources(in: "Tests").map(\.path)
        for name in text.matches(of: /`([\w\/+.-]+)`/).map({ String($0.1) }) {
            if name.hasSuffix(".swift"), name != "Package.swift" {
                #expect(sources.contains { $0 == name || $0.hasSuffix("/\(name)") }, "\(name)")
            } else if name.hasPrefix("Sources/") || name.hasPrefix("Tests/") || name.hasPrefix("docs/") || name.hasPrefix("topology/") {
                #expect(FileManager.default.fileExists(atPath: Structure.root.appending(path: name).path()), "\(name)")
            }
        }
    }

    @Test func `roles report the version of the document`() throws {
        let version = try #require(try Structure.text("topology/openapi.yaml").firstMatch(of: /(?m)^  version: (\S+)$/)).1
        #expect(try Structure.text("Sources/Operations/System/Version.swift").contains("current = \"\(version)\""))
    }

    /// By characters, some text passes: to Swift, U+0600 and a `<` after it are one.
    @Test func `HTML is escaped in one place`() throws {
        let escaping = try Structure.sources(in: "Sources").filter { $0.text.contains("&lt;") && !$0.path.hasPrefix("Sources/Development/") }
        #expect(escaping.map(\.path) == ["Sources/Contracts/Text.swift"])
    }

    @Test func `every planted bug is in its file once, and its suites exist`() throws {
        let suites = try Self.suites()
        var count = 0
        for line in try Structure.text("scripts/mutants.list").split(separator: "\n") where !line.hasPrefix("#") {
            count += 1
            let parts = line.components(separatedBy: " @@ ").map { $0.replacing("⏎", with: "\n") }
            guard parts.count == 5 else {
                Issue.record("not five parts: \(line)")
                continue
            }
            #expect(((try? Structure.text(parts[0])) ?? "").ranges(of: parts[1]).count == 1, "\(line)")
            for filter in parts[3].split(separator: " ") {
                let names = filter.matches(of: /`([^`]+)`|(\w+)/).map { String($0.1 ?? $0.2 ?? "").replacing(".", with: " ") }
                let known = names.first.flatMap { suites[$0] }
                #expect(known != nil && names.dropFirst().allSatisfy { known?.contains($0) == true }, "\(filter)")
            }
        }
        #expect(count >= 200)
    }
}
