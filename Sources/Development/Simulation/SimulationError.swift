/// The simulation itself cannot go on; this says nothing about the program.
public struct SimulationError: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
