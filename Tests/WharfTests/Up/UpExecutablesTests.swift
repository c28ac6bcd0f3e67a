import FoundationEssentials
import Testing

@testable import Assembly
@testable import LocalState
@testable import Terminal
@testable import Up

@Suite struct `The executables of wharf-dev up` {
    @Test func `the sandbox is wharf-dev itself, and every other role is the wharf beside it`() throws {
        let executables = try Executables(wharfDev: RunningWharf.developmentExecutable)
        #expect(executables.wharf == RunningWharf.executable)
        #expect(executables.path(of: .ingress) == RunningWharf.executable)
        #expect(executables.path(of: .worker(.orders)) == RunningWharf.executable)
        #expect(executables.path(of: .sandbox(port: 1, webhookURL: "", journal: "")) == RunningWharf.developmentExecutable)
    }

    @Test func `a missing wharf executable is named, with what builds it`() throws {
        let folder = try TemporaryFolder()

        let error = #expect(throws: UpError.self) { try Executables(wharfDev: "\(folder.path)/wharf-dev") }
        #expect(error?.code == .start)
        #expect(error?.message == "\(folder.path)/wharf is missing: wharf-dev runs it for every role.")
        #expect(error?.advice == "make build builds both executables.")
    }
}
