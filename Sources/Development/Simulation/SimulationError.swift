/// The simulation itself cannot go on; says nothing of the program.
public struct SimulationError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
