import Foundation
import Testing

/// The modules linked into the executable for production.
@Suite struct `The executable wharf` {
    /// The folders of Sources/Development: each is a module.
    private static func development() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(RunningWharf.repository())/Sources/Development").sorted()
    }

    /// Whether an executable has symbols of a Swift module: mangled names begin with its length and its name.
    private static func links(_ module: String, _ executable: Data) -> Bool {
        executable.range(of: Data("$s\(module.utf8.count)\(module)".utf8)) != nil
    }

    @Test func `no fault injection, no simulation and no local server is linked into it`() throws {
        let modules = try Self.development()
        #expect(modules.contains("Chaos") && modules.contains("Simulation"))
        let wharf = try Data(contentsOf: URL(filePath: RunningWharf.executable), options: .mappedIfSafe)
        #expect(Self.links("Messaging", wharf))
        #expect(modules.filter { Self.links($0, wharf) } == [])
    }

    @Test func `wharf-dev has every module of Sources/Development`() throws {
        let development = try Data(contentsOf: URL(filePath: RunningWharf.developmentExecutable), options: .mappedIfSafe)
        #expect(try Self.development().filter { !Self.links($0, development) } == [])
    }
}
