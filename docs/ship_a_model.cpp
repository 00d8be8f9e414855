// Score an event with a pipeline that to_onnx has written: raw columns and event number in, probabilities out.
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

int main(int argc, char** argv) {
  Ort::Env env{ORT_LOGGING_LEVEL_WARNING, "score"};
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);  // the framework owns the threads
  options.SetInterOpNumThreads(1);
  Ort::Session session{env, argc > 1 ? argv[1] : "top.onnx", options};
  Ort::MemoryInfo memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);

  // for every event: the columns in the order of the metadata, NaN for what is absent
  const int64_t d = session.GetInputTypeInfo(0).GetTensorTypeAndShapeInfo().GetShape()[1];
  std::vector<float> x(d, std::numeric_limits<float>::quiet_NaN());
  std::array<int64_t, 1> id{4711}, id_shape{1};
  std::array<int64_t, 2> x_shape{1, d};
  std::array<Ort::Value, 2> inputs{
      Ort::Value::CreateTensor<float>(memory, x.data(), x.size(), x_shape.data(), x_shape.size()),
      Ort::Value::CreateTensor<int64_t>(memory, id.data(), id.size(), id_shape.data(), id_shape.size())};
  const char* input_names[] = {"X", "event_id"};  // without event_id, and one input, if the model is not cross-fitted
  const char* output_names[] = {"probabilities"};
  auto outputs = session.Run(Ort::RunOptions{nullptr}, input_names, inputs.data(), 2, output_names, 1);

  const float* probabilities = outputs[0].GetTensorData<float>();
  const int64_t n_classes = outputs[0].GetTensorTypeAndShapeInfo().GetShape()[1];
  for (int64_t i = 0; i < n_classes; ++i) std::printf("%.6f\n", probabilities[i]);
}
