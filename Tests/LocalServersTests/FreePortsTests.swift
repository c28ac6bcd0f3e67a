import Glibc
import Testing

@testable import LocalServers

@Suite struct FreePortsTests {
    @Test func `a port belongs to one owner in this process`() throws {
        let port = try FreePorts.next(for: "one")
        #expect(FreePorts.claim(port, for: "one"))
        #expect(!FreePorts.claim(port, for: "another"))
    }

    @Test func `an assigned port without a listener is not given to another process while its own runs`() async throws {
        let port = try FreePorts.next(for: "here")
        await #expect(processExitsWith: .exitCode(1)) { [port = port as Int] in exit(FreePorts.claim(port, for: "there") ? 0 : 1) }
        let free = try #require(FreePorts.range.first { FreePorts.isFree($0) })
        for _ in 1...2 {
            await #expect(processExitsWith: .exitCode(0)) { [free = free as Int] in exit(FreePorts.claim(free, for: "there") ? 0 : 1) }
        }
    }
}
